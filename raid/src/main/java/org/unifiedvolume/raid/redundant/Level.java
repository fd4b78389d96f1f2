package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// What one level of RAID knows: where bytes live, and how lost ones are computed.
///
/// Legs are named by their roles, from 0 on; a set of legs is a bit mask of roles. Rows are offsets
/// within the data areas of the legs, in bytes.
public interface Level {
    /// Arrays have no more legs than that.
    int MOST_LEGS = 32;

    /// A change whose rows are held and whose intent is on disk. Completed when the legs that take
    /// changes have it, but for those that were dropped, or when none has any of it.
    interface Change extends Completion {
        /// It has failed, and legs that the array cannot do without may have it or not. Whoever
        /// asked for it is told now; its rows stay held and marked, its payload stays in memory,
        /// and others that touch the rows are refused, until `mending` has seen to it that the legs
        /// agree. Instead of [#complete].
        void failed(DeviceFault why, Mending mending);

        /// Some leg gets it later than it is answered: to all but clients its rows count as being
        /// changed until what is returned has been run. Before [#complete].
        default Runnable owed() {
            throw new UnsupportedOperationException("every leg gets this change at once");
        }
    }

    /// Makes the rows of a failed change agree. On a control thread, again and again until it
    /// succeeds.
    interface Mending {
        /// Tries it once.
        ///
        /// @throws DeviceFault if it has to be tried again
        void mend() throws DeviceFault, InterruptedException;

        /// It will not be tried again: the next start sees to the rows. Gives memory back.
        default void giveUp() {}
    }

    /// `raid1`, `raid5` …
    String name();

    /// How large the array is.
    long sizeBytes();

    /// How much of each leg's data area is used.
    long rowBytes();

    /// Whether more rows can be used while requests are under way.
    default boolean canGrow() {
        return false;
    }

    /// More of each leg is used from now on; what was there stays where it is.
    default void grow(ArrayDescription grown) {
        throw new UnsupportedOperationException(name() + " does not grow");
    }

    /// Whether every leg holds all bytes, so that legs may come and go while requests are under
    /// way: how many there are, [#rolesChanged] tells.
    default boolean isOnEveryLeg() {
        return false;
    }

    /// Whether arrays of this level can be laid out over more legs while requests are under way.
    default boolean isReshapable() {
        return false;
    }

    /// Why the array cannot be laid out over more legs now; null if it can.
    default String whyNotWider() {
        return name()
                + " does not grow by more members; uvol grow --legs gives a mirror more legs, uvol add"
                + " brings in a spare";
    }

    /// There are more legs from now on, and the array is on its way to them. All rows are held; no
    /// roles have shown the new legs yet.
    ///
    /// @param wide the array over all legs, with a reshape that has not begun
    /// @param areas what lies where on the new legs, by role from the first of them on
    default void widen(ArrayDescription wide, MemberAreas[] areas) {
        throw new UnsupportedOperationException(name() + " takes no more members");
    }

    /// Which legs get changes later than these are acknowledged.
    default BehindOptions behind() {
        return BehindOptions.NONE;
    }

    /// Whether writes that follow one another cost less as one.
    default boolean gathers() {
        return false;
    }

    /// To what length, and from which multiples of it on, such writes are best gathered; 0 if not
    /// now.
    default long gatherBytes() {
        return 0;
    }

    /// What lays the array out over more legs; null if it is on no way to anywhere.
    default Mover mover() {
        return null;
    }

    /// Whether a range of the array lies within some rows: what moves may lie elsewhere now than
    /// when [#firstRow] and [#endRow] were asked. If it does while these rows are held, it stays
    /// there.
    default boolean isWithin(long offsetBytes, long lengthBytes, long row, long endRow) {
        return true;
    }

    /// Whether the array can do its work when just these legs are complete.
    boolean isEnough(long completeLegs);

    /// The shape of the array.
    ///
    /// @param common what the legs can do together, with the array's size
    DeviceShape shape(DeviceShape common);

    /// The first row that a range of the array, not empty, touches on any leg.
    long firstRow(long offsetBytes, long lengthBytes);

    /// The row after the last one that it touches.
    long endRow(long offsetBytes, long lengthBytes);

    /// Where a request would be carried out now.
    Locality locality(Group group, Operation operation, long offsetBytes, long lengthBytes);

    /// How many bytes from an offset on have the same locality.
    long localityRun(Group group, long offsetBytes);

    /// What a run of rows on one leg is for.
    ///
    /// @param offsetBytes where in the array its bytes are; -1 if they are parity, or nobody's
    record Use(long offsetBytes, long lengthBytes) {}

    /// What the bytes from a row of a leg on are for, as many as lie one after another, at most
    /// `most`; null if that cannot be told now.
    default Use useOf(int role, long row, long most) {
        return null;
    }

    /// Is told whenever the states of legs have changed, after [Group#roles] shows it. Under the
    /// lock of the states: must not block, nor ask for a change of states.
    default void rolesChanged(Roles roles) {}

    /// Another member, or the same one that was missing, is about to take a role, and takes no
    /// changes yet; or it has just taken that of another one, holds the same data, and all rows are
    /// held.
    ///
    /// @param areas what lies where on it
    default void seated(int role, MemberAreas areas) {}

    /// Before the first request, with all legs opened: replays what a journal holds. Blocks.
    ///
    /// @param wasClean whether the array was stopped with all complete legs in step
    /// @throws IOException if what it needs cannot be read or written
    default void open(Group group, boolean wasClean) throws IOException, InterruptedException {}

    /// A read, a question for extents or a prefetch. Its rows are not held.
    void read(Group group, IoRequest request, Completion done);

    /// Carries out a write, a zeroing or a discard whose rows are held and whose intent is on disk.
    /// Legs that failed it have been dropped ([Group#settle]) before `done` is told.
    void change(Group group, IoRequest request, Change done);

    /// What has to be remembered before the legs are flushed, to be told to [#flushed].
    default long flushBegins() {
        return 0;
    }

    /// All legs that take changes have been flushed since [#flushBegins] returned `mark`.
    default void flushed(Group group, long mark) {}

    /// Gives one leg its bytes for a window of rows, from the complete ones. The rows are held.
    /// Blocks.
    ///
    /// What no leg can give is lost on a leg that is being filled ([Group#markLost]); a complete
    /// one that failed to read it stays as it is there.
    ///
    /// @return whether all bytes could be had
    /// @throws DeviceFault if it is not known whether they can, or the leg does not take them
    boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException;

    /// Makes a window of rows agree with itself after an unclean stop: copies alike, parity right.
    /// The rows are held. Blocks.
    void resync(Group group, long row, long lengthBytes) throws DeviceFault, InterruptedException;

    /// As [#resync], of a few rows ahead of it, for somebody who cannot go on otherwise
    /// ([Group#makeAlike]).
    default void makeAlike(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        resync(group, row, lengthBytes);
    }

    /// Compares copies or parity in a window of rows. The rows are held. Blocks.
    ///
    /// @param repairs whether to make right what differs, by the best guess of the level
    /// @return how many bytes of rows did not agree
    long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException;
}
