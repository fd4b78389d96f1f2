package org.unifiedvolume.spi;

import org.unifiedvolume.request.Locality;
import org.unifiedvolume.volume.Member;

/// A member as a layout gets it.
///
/// @param name what users call it: its URI, without secrets
/// @param locality where its bytes are
/// @param device the opened member; null if it could not be opened
/// @param problem why it could not be opened; null if it could
public record LayoutMember(String name, Locality locality, Member device, String problem) {
    public static LayoutMember of(Member member) {
        return new LayoutMember(member.uri(), member.locality(), member, null);
    }

    public static LayoutMember missing(String name, Locality locality, String problem) {
        return new LayoutMember(name, locality, null, problem);
    }

    public boolean isMissing() {
        return device == null;
    }
}
