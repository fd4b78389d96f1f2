package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.unifiedvolume.demo.Demo;
import org.unifiedvolume.demo.DemoFault;
import org.unifiedvolume.demo.DemoRound;
import org.unifiedvolume.terminal.Progress;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `uvol demo`: the main job, in a scratch folder.
@Command(
        name = "demo",
        description = {
            "Shows the main job in a scratch folder: a second process plays a remote host and"
                    + " serves disks over NBD; a RAID 0 and a RAID 1 over local and remote disks"
                    + " are served over NBD and as files. Shows what they do until Ctrl-C, which"
                    + " leaves nothing behind.",
            "",
            "--once is a round that checks itself instead, and needs root: a filesystem with 500 MB"
                    + " of real files, stopped, started and compared; then the remote host dies"
                    + " while a mirror is written. Ends with 0 if everything went as it should."
        },
        footer = {"", "Examples:", "  uvol demo", "  uvol demo --once"})
final class DemoCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--once", description = "Check everything once and end.")
    private boolean once;

    private int shownLines;

    @Override
    public Integer call() throws DemoFault, IOException, InterruptedException {
        LogSetup.onlyWarnings();
        PrintWriter out = spec.commandLine().getOut();
        if (once) {
            if (!System.getProperty("user.name").equals("root")) {
                throw new DemoFault(
                        "--once mounts a filesystem, which needs root: sudo uvol demo --once");
            }
            Thread round = Thread.currentThread();
            Runnable interrupt = round::interrupt;
            Signals.on("INT", interrupt);
            Signals.on("TERM", interrupt);
            return new DemoRound(out).run() ? Main.DONE : Main.FAILED;
        }
        CountDownLatch stop = new CountDownLatch(1);
        for (String signal : new String[] {"INT", "TERM", "HUP"}) {
            Signals.on(signal, stop::countDown);
        }
        new Demo(out, stop, report -> show(out, report)).run();
        return Main.DONE;
    }

    /// Shows one report, on a terminal in the place of the last one.
    private void show(PrintWriter out, Map<String, Object> report) {
        StringWriter text = new StringWriter();
        IostatCommand.print(new PrintWriter(text, true), report);
        if (Progress.isTerminal() && shownLines > 0) {
            out.printf("\u001b[%dA\u001b[J", shownLines);
        }
        shownLines = (int) text.toString().lines().count();
        out.print(text);
        out.flush();
    }
}
