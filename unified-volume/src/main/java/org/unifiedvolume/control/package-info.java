/// How commands talk to a running service: JSON lines over a Unix socket that only the service's
/// user can open.
///
/// Entry classes: [org.unifiedvolume.control.ControlServer],
/// [org.unifiedvolume.control.ControlClient]. A client sends one request, an object on a line of
/// its own, with the command's name under `do`. The service answers with any number of events and
/// ends with a result or an error; [org.unifiedvolume.control.Answer] is the one place that knows
/// their form.
///
/// Control path: one virtual thread for each connection.
package org.unifiedvolume.control;
