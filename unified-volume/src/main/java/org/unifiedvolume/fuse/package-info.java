/// The FUSE export: a volume as one regular file.
///
/// Entry class: [org.unifiedvolume.fuse.FuseExportKind]. Two bindings stand behind one interface:
/// the native one speaks with `/dev/fuse` on the event loops, the other leaves it to libfuse by
/// jnr-fuse. Requests are read and begun on a loop; answers are written by whatever thread ends
/// them. Mounting and unmounting block and belong on the control path.
package org.unifiedvolume.fuse;
