/// One class for each promise to users, kept against real programs.
package org.unifiedvolume.it;
