/// Serves volumes over NBD.
///
/// Entry class: [org.unifiedvolume.targets.nbd.export.NbdServer]. A connection starts in
/// [org.unifiedvolume.targets.nbd.export.NbdHandshake] and goes on in
/// [org.unifiedvolume.targets.nbd.export.NbdTransmission]; both run on the loop that owns the
/// connection.
package org.unifiedvolume.targets.nbd.export;
