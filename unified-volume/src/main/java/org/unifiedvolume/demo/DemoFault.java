package org.unifiedvolume.demo;

/// The demonstration did not go as it should; the message says what was expected and what happened.
public final class DemoFault extends Exception {
    public DemoFault(String message) {
        super(message, null, false, false);
    }
}
