/// What a device can be asked to do, how it answers, and the tag that each request carries from top
/// to bottom.
///
/// Entry classes: [org.unifiedvolume.request.IoRequest], [org.unifiedvolume.request.Completion],
/// [org.unifiedvolume.request.Outcome]. All values here are immutable; [FanOut] counts the answers
/// of several children and may be told from any thread, [AllOf] is the one that fails with the
/// first failure.
package org.unifiedvolume.request;
