package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `uvol re-add NAME MEMBER`: uses a member again.
@Command(
        name = "re-add",
        description = {
            "Uses a member of a volume again that had been dropped.",
            "",
            "It is given what it missed: the regions that were changed, or everything if that is not"
                    + " known. A member that could only not be reached is taken in by itself."
        },
        footer = {"", "Example:", "  uvol re-add media nbd://10.0.0.2/b --assume-clean"})
final class ReaddCommand implements Callable<Integer> {
    @Mixin private ChosenMember chosen;
    @Spec private CommandSpec spec;

    @Option(
            names = "--assume-clean",
            description = "The member holds the same bytes as the others.")
    private boolean assumeClean;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        String member =
                chosen.call(Request.of("re-add").with("assumeClean", assumeClean)).text("member");
        spec.commandLine().getOut().printf("%s: %s is used again%n", chosen.volume(), member);
        return Main.DONE;
    }
}
