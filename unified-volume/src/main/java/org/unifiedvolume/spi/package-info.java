/// The doors through which other modules bring kinds of members, exports and layouts.
///
/// Entry class: [org.unifiedvolume.spi.Kinds], which finds them with `ServiceLoader`: members and
/// exports by the scheme of their URI, layouts by their level. Each kind first makes a *plan* of
/// what the user wrote; plans are checked together before the first of them is opened.
///
/// Control path: plans are made, checked and opened by threads that may block.
package org.unifiedvolume.spi;
