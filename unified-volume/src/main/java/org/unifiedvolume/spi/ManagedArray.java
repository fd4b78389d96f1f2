package org.unifiedvolume.spi;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.volume.Member;

/// An array whose members can be taken out and put back while it works. All of it blocks.
public interface ManagedArray {
    /// What its members are called now: by role, then those that wait for one.
    List<String> memberNames();

    /// Its members that are there now, in that order.
    List<Member> members();

    /// All that is known of it, as plain values that can be written as JSON. Sizes are in bytes.
    Map<String, Object> detail();

    /// Stops using a member, as if it had failed.
    ///
    /// @throws IOException if there is no such member, or the array cannot do without it
    void fail(String member) throws IOException;

    /// Takes a member in again that had been dropped.
    ///
    /// @param assumeClean the user vouches that the member holds the same bytes as the others
    /// @throws IOException if there is no such member, or it must not be trusted
    void readd(String member, boolean assumeClean) throws IOException;

    /// Takes a member out for good: it belongs to no array afterwards, and its role is empty.
    ///
    /// @return what the user should know beside that; may be empty
    /// @throws IOException if there is no such member, or the array cannot do without it
    String remove(String member) throws IOException;

    /// Gives a member's role to another one, which is filled from the rest of the array.
    ///
    /// @param replacement opened; the array owns it if this succeeds
    /// @param force whether what it carries may be given up
    /// @throws IOException if there is no such member, the array cannot do without it, or the
    ///     replacement does not fit or carries something
    void replace(String member, LayoutMember replacement, boolean force) throws IOException;

    /// Gives a role that nobody will fill to a new member; if all roles are filled, or the members
    /// that have them can only not be reached, it waits for a role as a spare.
    ///
    /// @return whether it has a role now
    /// @throws IOException as [#replace]
    boolean add(LayoutMember member, boolean force) throws IOException;

    /// Lets the array use more of its members, while it works.
    ///
    /// @param sizeBytes how large it shall be at least; 0 for as large as its members allow
    /// @return how large it is
    /// @throws IOException if it would not fit, or must not grow now; nothing was written then
    long grow(long sizeBytes) throws IOException;

    /// Gives a mirror more legs, which are filled in the background, or fewer, while it works.
    ///
    /// @param count how many it shall have
    /// @param added the members of new legs, opened; the array owns them if this succeeds. Where
    ///     they are too few, spares are taken
    /// @param gone the members that go first; after them those that are lost, then the last ones
    /// @param force whether what the added members carry may be given up
    /// @return what the user should know beside that; may be empty
    /// @throws IOException if the array is no mirror, an added member does not fit or carries
    ///     something, or none of the legs that would be left is in sync
    String setLegs(int count, List<LayoutMember> added, List<String> gone, boolean force)
            throws IOException;

    /// What became of an array that was given more members.
    ///
    /// @param sizeBytes how large it is now
    /// @param laterBytes how large it will be when its bytes are laid out over all of them
    record Extended(long sizeBytes, long laterBytes) {}

    /// Gives the array more members, while it works: at the end of a linear one, or by laying its
    /// bytes out anew.
    ///
    /// @param members opened; the array owns them if this succeeds
    /// @param force whether what they carry may be given up
    /// @param maxRateBytes of the reshape, a second; 0 for what the array was told at its start
    /// @throws IOException if the array does not take them; nothing was written then, unless the
    ///     message says so
    Extended extend(List<LayoutMember> members, boolean force, long maxRateBytes)
            throws IOException;

    /// Starts to compare all copies, or data with parity, beside the work of clients.
    ///
    /// @param repairs whether to make right what differs
    /// @param maxRateBytes a second; 0 for what the array was told at its start
    /// @throws IOException if it must not begin now
    void scrub(boolean repairs, long maxRateBytes) throws IOException;

    /// Stops the scrub that is under way.
    ///
    /// @throws IOException if there is none
    void stopScrub() throws IOException;
}
