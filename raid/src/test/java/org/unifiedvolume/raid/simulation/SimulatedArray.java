package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// A level as the simulation sees it: how its arrays are made and started, what they promise, and
/// what administrators may ask of them. One for each run; it outlives the processes.
interface SimulatedArray {
    /// Something that an administrator may ask.
    ///
    /// @param mendsFirst whether the disk is put in order before
    record Command(String name, boolean mendsFirst, Action action) {}

    /// Carries out a command about one disk, on a control thread.
    interface Action {
        /// Carries it out, and waits until the array has accepted or refused it.
        ///
        /// @throws IOException if the array refuses; it may
        void run(SimulatedDisk disk) throws IOException;
    }

    Promises promises();

    /// How large the volume is.
    long sizeBytes();

    /// How large it can become.
    default long mostBytes() {
        return sizeBytes();
    }

    /// Starts it in a new process.
    ///
    /// @param missing disks that are not there
    /// @param isNew whether this is the first start, on blank disks
    /// @throws IOException if it refuses; with all disks here it must not
    BlockDevice start(Set<SimulatedDisk> missing, boolean isNew) throws IOException;

    /// Starts it with all its disks, and with the user's word that nobody else has used them.
    default BlockDevice startDegraded(String word) throws IOException {
        throw new AssertionError("nobody asks for a word: " + word);
    }

    /// Whether the configuration names a disk, so that it is found again whatever it holds.
    default boolean isWritten(SimulatedDisk disk) {
        return true;
    }

    /// What may be asked of it while it runs; each as often in the list as it should come.
    default List<Command> commands(BlockDevice array) {
        return List.of();
    }

    /// More that may be asked, chosen so that it does not change which of [#commands] come.
    default List<Command> rareCommands(BlockDevice array) {
        return List.of();
    }

    /// Whether a leg lacks nothing.
    default boolean isComplete(DeviceStatus leg) {
        return leg.state() == DeviceStatus.State.ONLINE;
    }

    /// A place on a disk where a flaw hurts.
    default long placeForFlaw(SimulatedDisk disk, Random random) {
        return random.nextLong(disk.size().sizeBytes());
    }

    /// Whether a change that was not yet durable may leave anything in its range when the process
    /// or the power ends and a leg is lost at once.
    default boolean mayGarble(Change change) {
        return false;
    }

    /// Whether [#mayGarble] also holds if the leg is lost later, before a resync has made things
    /// agree.
    default boolean losesLegsLate() {
        return false;
    }

    /// The volume as clients get it, where somebody counts what they do.
    default BlockDevice forClients(BlockDevice array) {
        return array;
    }

    /// Checks what has to be checked of the life that has just ended.
    ///
    /// @throws AssertionError if a promise was broken
    default void checkLife() {}

    /// Checks that copies are alike, and parity is right, of an array that has been left alone.
    ///
    /// @throws AssertionError if they are not
    default void checkAgreement(BlockDevice array) throws IOException {}

    /// What may be lost of it.
    default PossibleLosses losses() {
        return new PossibleLosses(false);
    }

    /// A block that more legs shall not be able to read than the level tolerates; null if there is
    /// none now. Nothing is done to the disks.
    default PossibleLosses.Stroke stroke(BlockDevice device) {
        return null;
    }

    /// What resyncs have moved so far.
    default ResyncWatch.Totals resynced() {
        return ResyncWatch.Totals.NONE;
    }

    /// Whether [#mayGarble] holds on, as legs may still differ where changes were under way at the
    /// last crash, and one of them may go wrong silently before they are made alike.
    default boolean isInDoubt(BlockDevice device) {
        return false;
    }

    /// The process has ended, in order or not; what it kept elsewhere than on the disks is as a
    /// crash leaves it.
    default void processEnded() {}
}
