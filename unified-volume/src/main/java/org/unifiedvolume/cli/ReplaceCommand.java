package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol replace NAME MEMBER URI`: gives a member's role to another one.
@Command(
        name = "replace",
        description = {
            "Gives a member's role to another device, which is filled from the other members"
                    + " while the volume works.",
            "",
            "While the member that is replaced is good it goes on serving until the new one holds all"
                    + " that it holds; if the new one fails, it stays. Change the configuration too."
        },
        footer = {"", "Example:", "  uvol replace media /srv/a.img /srv/new.img?size=10GiB"})
final class ReplaceCommand implements Callable<Integer> {
    @Mixin private ChosenMember chosen;
    @Mixin private GivenUp givenUp;
    @Spec private CommandSpec spec;

    @Parameters(index = "2", paramLabel = "URI", description = "The new member.")
    private String uri;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer = chosen.call(givenUp.request("replace", uri));
        spec.commandLine()
                .getOut()
                .printf(
                        "%s: %s takes the place of %s and is being filled; change the configuration"
                                + " too%n",
                        chosen.volume(), answer.text("by"), answer.text("member"));
        return Main.DONE;
    }
}
