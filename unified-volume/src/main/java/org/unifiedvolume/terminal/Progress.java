package org.unifiedvolume.terminal;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import org.unifiedvolume.config.Units;

/// Shows how far long work is, with rate and remaining time: a bar that is drawn again and again on
/// a terminal, a plain line now and then elsewhere.
public final class Progress implements AutoCloseable {
    private static final int BAR_COLUMNS = 24;
    private static final long TERMINAL_NANOS = 100_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintWriter out;
    private final boolean onTerminal;
    private final String what;
    private final long totalBytes;
    private final long startNanos;
    private long shownNanos;
    private boolean isDrawn;

    /// @param onTerminal whether a line can be drawn again
    /// @param what is done, in a word or two
    public Progress(
            PrintWriter out, boolean onTerminal, String what, long totalBytes, long nowNanos) {
        this.out = out;
        this.onTerminal = onTerminal;
        this.what = what;
        this.totalBytes = totalBytes;
        this.startNanos = nowNanos;
        this.shownNanos = nowNanos;
    }

    /// Whether standard output is a terminal.
    @SuppressWarnings("SystemConsoleNull") // it is null all the same where there is no terminal
    public static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    /// Says how much is done; shows it if the last time is long enough ago.
    public void at(long doneBytes, long nowNanos) {
        if (nowNanos - shownNanos < (onTerminal ? TERMINAL_NANOS : PLAIN_NANOS)) {
            return;
        }
        shownNanos = nowNanos;
        String line = line(doneBytes, nowNanos);
        if (onTerminal) {
            out.print("\r" + line + "\u001b[K");
            isDrawn = true;
        } else {
            out.println(line);
        }
        out.flush();
    }

    private String line(long doneBytes, long nowNanos) {
        double share = totalBytes == 0 ? 1 : Math.min(1, (double) doneBytes / totalBytes);
        double seconds = Math.max(1, nowNanos - startNanos) / 1e9;
        double rate = doneBytes / seconds;
        long left = rate <= 0 ? -1 : Math.round((totalBytes - doneBytes) / rate);
        int filled = (int) (share * BAR_COLUMNS);
        String bar =
                onTerminal
                        ? "[" + "#".repeat(filled) + " ".repeat(BAR_COLUMNS - filled) + "] "
                        : "";
        return String.format(
                Locale.ROOT,
                "%s %s%3.0f %%, %s of %s, %s/s%s",
                what,
                bar,
                share * 100,
                Units.size(doneBytes),
                Units.size(totalBytes),
                Units.size((long) rate),
                left < 0 ? "" : ", %d:%02d left".formatted(left / 60, left % 60));
    }

    /// Takes the bar off the terminal.
    @Override
    public void close() {
        if (isDrawn) {
            out.print("\r\u001b[K");
            out.flush();
        }
    }
}
