/// Levels: how several devices become one.
package org.unifiedvolume.raid;
