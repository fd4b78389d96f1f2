/// Layers: devices that decorate one device below.
///
/// One layer, one file, one job: [org.unifiedvolume.layer.WindowLayer] shows a part,
/// [org.unifiedvolume.layer.ReadOnlyLayer] refuses changes, [org.unifiedvolume.layer.SplitLayer]
/// cuts long transfers, [org.unifiedvolume.layer.DelayLayer] and
/// [org.unifiedvolume.layer.FaultLayer] make a device slow or faulty, and
/// [org.unifiedvolume.layer.AlignLayer] lets a device be addressed byte by byte. Each owns the
/// device below and closes it. Safe for concurrent use; none has threads of its own.
package org.unifiedvolume.layer;
