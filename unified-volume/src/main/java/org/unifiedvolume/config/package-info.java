/// What users write: configuration files, device URIs, sizes and durations.
///
/// Entry classes: [org.unifiedvolume.config.ConfigReader], [org.unifiedvolume.config.DeviceUri].
/// Everything is checked here before anything is opened; a [org.unifiedvolume.config.ConfigFault]
/// names the place and the remedy.
package org.unifiedvolume.config;
