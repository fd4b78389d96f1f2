package org.unifiedvolume.testkit;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;

/// The last events of a simulated run, with their virtual times: what somebody reads who looks for
/// the cause of a failure. A run repeats exactly, so only the repetition of a failed one is logged.
public final class EventLog {
    /// Keeps nothing.
    public static final EventLog OFF = new EventLog(0);

    private final ArrayDeque<String> last = new ArrayDeque<>();
    private final int most;
    private VirtualTime time;

    /// @param most how many events are kept
    public EventLog(int most) {
        this.most = most;
    }

    /// Events are stamped with this time from now on.
    public void setTime(VirtualTime newTime) {
        if (isOn()) {
            time = newTime;
        }
    }

    /// Whether it is worth the while to put an event into words.
    public boolean isOn() {
        return most > 0;
    }

    @FormatMethod
    public void note(String who, @FormatString String format, Object... details) {
        if (!isOn()) {
            return;
        }
        if (last.size() == most) {
            last.removeFirst();
        }
        double millis = time == null ? 0 : time.nanoTime() / 1e6;
        last.add(
                String.format(Locale.ROOT, "%12.6f ms  %-8s  ", millis, who)
                        + String.format(Locale.ROOT, format, details));
    }

    /// The events, oldest first.
    public List<String> last() {
        return List.copyOf(last);
    }
}
