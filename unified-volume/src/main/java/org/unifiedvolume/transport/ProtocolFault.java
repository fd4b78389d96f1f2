package org.unifiedvolume.transport;

/// A peer broke its protocol. The session is closed with this message; no other session suffers.
public final class ProtocolFault extends Exception {
    /// @param section where the standard says otherwise: "NBD, request message"
    /// @param breach what the peer did
    public ProtocolFault(String section, String breach) {
        super(section + ": " + breach, null, false, false);
    }
}
