/// The command line.
///
/// Entry class: [org.unifiedvolume.cli.Main]. One class for each command; `serve` is the service
/// itself, the others ask a running one through its control socket. Exit codes: 0 done, 1 failed,
/// 2 wrong usage; errors go to standard error as `uvol: message`.
package org.unifiedvolume.cli;
