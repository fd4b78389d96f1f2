/// What the tests of all modules share: a device in memory, virtual time, and the contract that
/// every device keeps.
package org.unifiedvolume.testkit;
