package org.unifiedvolume.control;

/// A command cannot be carried out; the message says what, where and what to do.
public final class ControlFault extends Exception {
    public ControlFault(String message) {
        super(message, null, false, false);
    }
}
