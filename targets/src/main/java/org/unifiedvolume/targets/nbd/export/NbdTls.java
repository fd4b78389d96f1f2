package org.unifiedvolume.targets.nbd.export;

import org.unifiedvolume.transport.TlsSettings;

/// The TLS that a server offers.
///
/// @param settings its certificates
/// @param required whether a client must use it (the standard's FORCEDTLS) or may (SELECTIVETLS)
public record NbdTls(TlsSettings settings, boolean required) {}
