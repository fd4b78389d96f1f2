/// Output for people: tables, and progress of long work.
///
/// Entry classes: [org.unifiedvolume.terminal.Table], [org.unifiedvolume.terminal.Progress]. Each
/// is used by one thread.
package org.unifiedvolume.terminal;
