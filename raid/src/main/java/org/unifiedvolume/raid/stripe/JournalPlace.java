package org.unifiedvolume.raid.stripe;

/// Where on its member a leg has room for the journal, in bytes.
///
/// @param offset a multiple of 4096, from the start of the member
/// @param length a multiple of 4096
public record JournalPlace(long offset, long length) {}
