/// Follows single requests through a volume.
///
/// Entry class: [org.unifiedvolume.trace.Tracer]. While nobody watches, tracing costs one read of a
/// field per request.
package org.unifiedvolume.trace;
