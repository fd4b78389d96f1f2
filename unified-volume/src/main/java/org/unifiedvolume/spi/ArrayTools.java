package org.unifiedvolume.spi;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.device.IoContext;

/// Looks at members of arrays, and frees them, while no service uses them. Found by
/// `ServiceLoader`; stateless. Everything blocks.
public interface ArrayTools {
    /// What one member carries.
    ///
    /// @param words in a line: `member 1 of array media`, `an XFS filesystem`; empty if nothing
    /// @param isMember whether it belongs, or belonged, to an array
    /// @param text all that is known of it, in lines for people; may be empty
    /// @param view the same as plain values that can be written as JSON
    record Carried(String words, boolean isMember, String text, Map<String, Object> view) {}

    /// An array that some members belong to.
    ///
    /// @param level as users write it
    /// @param options what else a configuration has to say: `chunk`, `copies`
    /// @param members those that belong to it, by role
    /// @param spares those that wait for a role
    /// @param starts whether the array would start from just these
    /// @param verdict what a start would decide, in lines for people: who is good, who is stale,
    ///     who is missing and where it was seen last, or why the array would not start
    record Found(
            String uuid,
            String name,
            String level,
            Map<String, String> options,
            List<String> members,
            List<String> spares,
            boolean starts,
            List<String> verdict) {}

    /// Looks at a member without changing anything.
    ///
    /// @throws IOException if it cannot be read
    Carried examine(LayoutMember member, IoContext io) throws IOException;

    /// Makes a member nobody's: wipes its superblocks.
    ///
    /// @param force whether it may have been one that cannot be read any more, or none at all
    /// @throws IOException if it carries none that can be read, or it cannot be written
    void erase(LayoutMember member, boolean force, IoContext io) throws IOException;

    /// Sorts members by the arrays that they belong to, without changing anything; those that
    /// belong to none are left out.
    List<Found> find(List<LayoutMember> members, IoContext io);
}
