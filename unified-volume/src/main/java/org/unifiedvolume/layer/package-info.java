/// Devices that decorate one device below.
///
/// Each layer is one class with one job. All of them run on whatever thread submits and whatever
/// thread completes; none blocks.
package org.unifiedvolume.layer;
