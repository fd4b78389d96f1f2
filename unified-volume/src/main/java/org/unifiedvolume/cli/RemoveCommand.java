package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `uvol remove NAME MEMBER`: takes a member out for good.
@Command(
        name = "remove",
        description = {
            "Takes a member out of a volume for good: its superblock is wiped, its role is empty"
                    + " until uvol add or a spare fills it.",
            "",
            "The last member that the volume needs is never taken out."
        },
        footer = {"", "Example:", "  uvol remove media nbd://10.0.0.2/b"})
final class RemoveCommand implements Callable<Integer> {
    @Mixin private ChosenMember chosen;
    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer = chosen.call(Request.of("remove"));
        spec.commandLine()
                .getOut()
                .printf(
                        "%s: %s is no member any more; take it out of the configuration%n",
                        chosen.volume(), answer.text("member"));
        if (!answer.text("remark").isEmpty()) {
            spec.commandLine().getErr().println("uvol: " + answer.text("remark"));
        }
        return Main.DONE;
    }
}
