package org.unifiedvolume.spi;

import org.unifiedvolume.request.Locality;
import org.unifiedvolume.volume.Member;

/// A member as a layout gets it.
///
/// @param name what users call it: its URI, without secrets
/// @param locality where its bytes are
/// @param device the opened member; null if it could not be opened
/// @param problem why it could not be opened; null if it could
/// @param opener tries to open it anew; null if that cannot help
public record LayoutMember(
        String name, Locality locality, Member device, String problem, Opener opener) {

    /// Opens a member that could not be opened before.
    @FunctionalInterface
    public interface Opener {
        /// Tries once. Blocks.
        ///
        /// @return the member, which may still be missing
        LayoutMember open();
    }

    public static LayoutMember of(Member member) {
        return new LayoutMember(member.uri(), member.locality(), member, null, null);
    }

    public static LayoutMember missing(String name, Locality locality, String problem) {
        return missing(name, locality, problem, null);
    }

    public static LayoutMember missing(
            String name, Locality locality, String problem, Opener opener) {
        return new LayoutMember(name, locality, null, problem, opener);
    }

    public boolean isMissing() {
        return device == null;
    }
}
