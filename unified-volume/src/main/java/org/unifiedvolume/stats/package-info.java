/// Counters and latency histograms, kept on the data path without locks.
///
/// Entry class: [org.unifiedvolume.stats.Meter], one for each volume and member. Recording may
/// happen on any thread; a [org.unifiedvolume.stats.MeterReading] is a copy for readers.
package org.unifiedvolume.stats;
