/// What the promises are tested with: the real daemon, real programs, and the rude clients that no
/// real program plays.
///
/// Entry class: [org.unifiedvolume.it.harness.Lab], which every test owns one of and which ends and
/// removes everything after the test. Nothing here uses another network than loopback.
package org.unifiedvolume.it.harness;
