package org.unifiedvolume.raid.simulation;

/// The layouts that are simulated.
enum Level {
    LINEAR,
    STRIPE,
    MIRROR
}
