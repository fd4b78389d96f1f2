package org.unifiedvolume.raid.array;

import org.unifiedvolume.spi.LayoutMember;

/// What an array uses of one of its members.
///
/// @param member is there
/// @param offsetBytes where on the member it starts
/// @param lengthBytes how long it is
public record Part(LayoutMember member, long offsetBytes, long lengthBytes) {}
