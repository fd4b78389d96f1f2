package org.unifiedvolume.stack;

import org.unifiedvolume.stack.OrderPolicy.Named;

/// How a [RequestStack] works.
///
/// @param order which of the waiting requests goes next
/// @param depth how many requests the device below may have at once, at least 1
/// @param deadlineNanos after how long an unanswered request fails with `TIMED_OUT`, counted from
///     its entry into the stack; 0 for never
/// @param starvationNanos after how long a waiting request goes next whatever the policy says
/// @param mergeBytes how long a request made of waiting neighbours may become; 0 for no merging
public record StackOptions(
        Named order, int depth, long deadlineNanos, long starvationNanos, long mergeBytes) {
    private static final long DEFAULT_STARVATION_NANOS = 500_000_000L;
    private static final long DEFAULT_MERGE_BYTES = 1 << 20;

    /// The options of a stack at the top of a volume: no deadline, as members have theirs.
    public static StackOptions ofVolume(Named order, int depth) {
        return new StackOptions(order, depth, 0, DEFAULT_STARVATION_NANOS, 0);
    }

    /// The options of a stack above a member.
    public static StackOptions ofMember(Named order, int depth, long deadlineNanos) {
        return new StackOptions(
                order, depth, deadlineNanos, DEFAULT_STARVATION_NANOS, DEFAULT_MERGE_BYTES);
    }
}
