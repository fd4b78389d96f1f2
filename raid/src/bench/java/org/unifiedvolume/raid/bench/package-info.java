/// Microbenchmarks with JMH of the arithmetic of RAID.
///
/// Each class names the command that runs it. Built by the Maven profile `bench` only.
package org.unifiedvolume.raid.bench;
