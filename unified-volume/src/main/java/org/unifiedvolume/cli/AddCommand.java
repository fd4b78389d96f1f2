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

/// `uvol add NAME URI`: fills an empty role, or brings in a spare.
@Command(
        name = "add",
        description = {
            "Gives a role that no good member has to a new one, which is filled.",
            "",
            "If there is none, or its member can only not be reached, the new one waits as a spare:"
                    + " it takes the place of a member that is lost for longer than spare-delay."
        },
        footer = {"", "Example:", "  uvol add media /srv/c.img?size=10GiB"})
final class AddCommand implements Callable<Integer> {
    @Mixin private ChosenVolume chosen;
    @Mixin private GivenUp givenUp;
    @Spec private CommandSpec spec;

    @Parameters(index = "1", paramLabel = "URI", description = "The new member.")
    private String uri;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer = chosen.call(givenUp.request("add", uri));
        spec.commandLine()
                .getOut()
                .printf(
                        answer.flag("spare")
                                ? "%s: %s is a spare; write it under spares: in the configuration"
                                        + " too%n"
                                : "%s: %s is being filled; change the configuration too%n",
                        chosen.name(),
                        answer.text("by"));
        return Main.DONE;
    }
}
