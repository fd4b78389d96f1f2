package org.unifiedvolume.config;

/// A value as a user wrote it, and where.
public record Written(Place place, String text) {}
