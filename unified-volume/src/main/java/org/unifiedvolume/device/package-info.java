/// The one abstraction: a device is a fixed-size array of bytes that carries out requests.
///
/// Entry class: [org.unifiedvolume.device.BlockDevice]; [org.unifiedvolume.device.Layer] is the
/// base of those that decorate one device. [org.unifiedvolume.device.BlockingDevice] is the view
/// for the control path, where code waits on virtual threads; the data path never uses it.
/// [org.unifiedvolume.device.Timers] is time, handed in so that tests can replace it.
package org.unifiedvolume.device;
