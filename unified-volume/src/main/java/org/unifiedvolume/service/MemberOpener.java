package org.unifiedvolume.service;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// Opens members, each with a stack of its own.
///
/// @param order in which requests wait for a member
public record MemberOpener(
        TargetContext context, OrderPolicy.Named order, Lanes lanes, Tracer tracer) {
    private static final Logger LOG = LoggerFactory.getLogger(MemberOpener.class);

    /// For members that are looked at outside of a volume.
    public MemberOpener(TargetContext context) {
        this(context, OrderPolicy.Named.FIFO, new Lanes(), new Tracer(context.io().timers()));
    }

    /// Opens a member; blocks. One that cannot be had is missing, and can be opened again.
    public LayoutMember open(MemberPlan member) {
        try {
            BlockDevice device = member.open(context);
            return LayoutMember.of(
                    new Member(
                            member.name(),
                            member.locality(),
                            device,
                            StackOptions.ofMember(order, member.depth(), member.deadlineNanos()),
                            context.io(),
                            lanes,
                            tracer));
        } catch (IOException e) {
            return missing(member, e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("{}: opening failed within the service", member.name(), e);
            return missing(member, e.toString());
        }
    }

    private LayoutMember missing(MemberPlan member, String problem) {
        return LayoutMember.missing(member.name(), member.locality(), problem, () -> open(member));
    }
}
