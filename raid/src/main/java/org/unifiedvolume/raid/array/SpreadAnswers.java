package org.unifiedvolume.raid.array;

import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A spread request whose children's answers are joined to one: reads and locates.
public abstract class SpreadAnswers extends AllOf {
    private final Child[] children;

    /// @param childCount how many children it can have
    SpreadAnswers(IoRequest parent, Completion done, int childCount) {
        super(parent, done);
        this.children = new Child[childCount];
    }

    /// Counts a child, and is told of its answer.
    public final Completion expect(int index) {
        expectOne();
        Child child = new Child(this);
        children[index] = child;
        return child;
    }

    /// A child's answer; null if there is no such child.
    final Outcome outcome(int index) {
        return children[index] == null ? null : children[index].outcome;
    }

    @Override
    protected final Outcome failure(DeviceFault why) {
        for (Child child : children) {
            if (child != null) {
                child.outcome.discard();
            }
        }
        return super.failure(why);
    }

    private static final class Child implements Completion {
        private final SpreadAnswers all;
        private Outcome outcome;

        Child(SpreadAnswers all) {
            this.all = all;
        }

        @Override
        public void complete(IoRequest request, Outcome answer) {
            outcome = answer;
            all.complete(request, answer);
        }
    }
}
