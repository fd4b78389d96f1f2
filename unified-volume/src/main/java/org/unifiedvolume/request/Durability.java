package org.unifiedvolume.request;

/// When a change counts as done.
public enum Durability {
    /// When a later read returns it; a power cut before the next flush may lose it.
    VOLATILE,
    /// When it survives a power cut (forced unit access).
    DURABLE
}
