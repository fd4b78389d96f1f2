package org.unifiedvolume.targets.nbd.member;

import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.transport.TlsSettings;

/// How to use a remote export.
///
/// @param name how users name the member, without secrets
/// @param address where it is
/// @param tls how to encrypt; null for plain streams
/// @param readOnly whether to use it for reading only
/// @param connections how many connections to open, if the server can keep several consistent
/// @param deadlineNanos how long a request may wait for an answer, reconnecting included
/// @param connectNanos how long one attempt to connect and to negotiate may take
/// @param replayBytes how many bytes of acknowledged but unflushed writes are kept, to be repeated
///     after the server was restarted; 0 to trust servers not to lose them
public record NbdOptions(
        String name,
        NbdAddress address,
        TlsSettings tls,
        boolean readOnly,
        int connections,
        long deadlineNanos,
        long connectNanos,
        long replayBytes) {}
