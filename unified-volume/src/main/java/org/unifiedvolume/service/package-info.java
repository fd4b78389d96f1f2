/// A running service: everything that one configuration file describes, opened, served, watched and
/// closed again.
///
/// Entry classes: [org.unifiedvolume.service.Planner], which holds a configuration against the
/// kinds that are present, and [org.unifiedvolume.service.Service], which opens what was planned.
/// Nothing is opened before everything has been checked; whatever fails on the way, what was opened
/// is closed in reverse order.
///
/// Control path: blocking code on virtual threads.
package org.unifiedvolume.service;
