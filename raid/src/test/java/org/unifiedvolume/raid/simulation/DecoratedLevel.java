package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.raid.redundant.BehindOptions;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Mover;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// A level that passes everything on to another one.
class DecoratedLevel implements Level {
    private final Level level;

    DecoratedLevel(Level level) {
        this.level = level;
    }

    @Override
    public String name() {
        return level.name();
    }

    @Override
    public long sizeBytes() {
        return level.sizeBytes();
    }

    @Override
    public long rowBytes() {
        return level.rowBytes();
    }

    @Override
    public boolean isEnough(long completeLegs) {
        return level.isEnough(completeLegs);
    }

    @Override
    public BehindOptions behind() {
        return level.behind();
    }

    @Override
    public boolean gathers() {
        return level.gathers();
    }

    @Override
    public long gatherBytes() {
        return level.gatherBytes();
    }

    @Override
    public DeviceShape shape(DeviceShape common) {
        return level.shape(common);
    }

    @Override
    public long firstRow(long offsetBytes, long lengthBytes) {
        return level.firstRow(offsetBytes, lengthBytes);
    }

    @Override
    public long endRow(long offsetBytes, long lengthBytes) {
        return level.endRow(offsetBytes, lengthBytes);
    }

    @Override
    public Locality locality(Group group, Operation operation, long offsetBytes, long lengthBytes) {
        return level.locality(group, operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(Group group, long offsetBytes) {
        return level.localityRun(group, offsetBytes);
    }

    @Override
    public void rolesChanged(Roles roles) {
        level.rolesChanged(roles);
    }

    @Override
    public void seated(int role, MemberAreas areas) {
        level.seated(role, areas);
    }

    @Override
    public void open(Group group, boolean wasClean) throws IOException, InterruptedException {
        level.open(group, wasClean);
    }

    @Override
    public void read(Group group, IoRequest request, Completion done) {
        level.read(group, request, done);
    }

    @Override
    public void change(Group group, IoRequest request, Change done) {
        level.change(group, request, done);
    }

    @Override
    public long flushBegins() {
        return level.flushBegins();
    }

    @Override
    public void flushed(Group group, long mark) {
        level.flushed(group, mark);
    }

    @Override
    public boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        return level.restore(group, leg, row, lengthBytes);
    }

    @Override
    public void resync(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        level.resync(group, row, lengthBytes);
    }

    @Override
    public long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        return level.scrub(group, row, lengthBytes, repairs);
    }

    @Override
    public boolean isReshapable() {
        return level.isReshapable();
    }

    @Override
    public String whyNotWider() {
        return level.whyNotWider();
    }

    @Override
    public void widen(ArrayDescription wide, MemberAreas[] areas) {
        level.widen(wide, areas);
    }

    @Override
    public Mover mover() {
        return level.mover();
    }

    @Override
    public boolean isWithin(long offsetBytes, long lengthBytes, long row, long endRow) {
        return level.isWithin(offsetBytes, lengthBytes, row, endRow);
    }

    @Override
    public void makeAlike(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        level.makeAlike(group, row, lengthBytes);
    }

    @Override
    public boolean canGrow() {
        return level.canGrow();
    }

    @Override
    public Use useOf(int role, long row, long most) {
        return level.useOf(role, row, most);
    }

    @Override
    public boolean isOnEveryLeg() {
        return level.isOnEveryLeg();
    }

    @Override
    public void grow(ArrayDescription grown) {
        level.grow(grown);
    }
}
