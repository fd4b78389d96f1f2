/// Microbenchmarks with JMH: what single parts of the data path cost.
///
/// Each class names the command that runs it. Built by the Maven profile `bench` only.
package org.unifiedvolume.bench;
