package org.unifiedvolume.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.service.ServiceFault;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `uvol`: reads the command line and carries it out.
@Command(
        name = "uvol",
        description = "Makes one disk out of many, local and remote.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DemoCommand.class,
            ServeCommand.class,
            StatusCommand.class,
            IostatCommand.class,
            TraceCommand.class,
            ScanCommand.class,
            CreateCommand.class,
            AssembleCommand.class,
            ExamineCommand.class,
            ZeroSuperblockCommand.class,
            MountCommand.class,
            UmountCommand.class,
            AttachCommand.class,
            DetachCommand.class,
            FailCommand.class,
            ReaddCommand.class,
            DetailCommand.class,
            AddCommand.class,
            RemoveCommand.class,
            ReplaceCommand.class,
            GrowCommand.class,
            ScrubCommand.class,
            StopCommand.class,
            VersionCommand.class,
            HelpCommand.class
        },
        footer = {
            "",
            "Examples:",
            "  uvol demo                      see it work, in a scratch folder",
            "  uvol serve uvol.yaml           run what the file describes",
            "  uvol mount media /mnt --mkfs ext4",
            "  uvol status",
            "",
            "uvol help COMMAND explains a command, with examples."
        })
public final class Main implements Runnable {
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;

    @Spec private CommandSpec spec;

    private Main() {}

    public static void main(String[] arguments) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int code = run(out, err, arguments);
        out.flush();
        System.exit(code);
    }

    /// Carries out one command line.
    ///
    /// @return the exit code
    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        return commandLine(out, err).execute(arguments);
    }

    static CommandLine commandLine(PrintWriter out, PrintWriter err) {
        CommandLine main = new CommandLine(new Main());
        addHelp(main);
        main.getCommandSpec()
                .versionProvider(() -> new String[] {VersionCommand.text()})
                .addOption(
                        OptionSpec.builder("-V", "--version")
                                .versionHelp(true)
                                .description("Show which release this is.")
                                .build());
        return main.setOut(out)
                .setErr(err)
                .setUsageHelpAutoWidth(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(wrongUsage())
                .setExecutionExceptionHandler(
                        (exception, command, _) -> {
                            for (String line : linesOf(exception)) {
                                command.getErr().println("uvol: " + line);
                            }
                            if (exception instanceof RuntimeException) {
                                exception.printStackTrace(command.getErr());
                            }
                            return FAILED;
                        });
    }

    private static void addHelp(CommandLine command) {
        if (command.getCommandSpec().userObject() instanceof HelpCommand) {
            return;
        }
        command.getCommandSpec()
                .addOption(
                        OptionSpec.builder("-h", "--help")
                                .usageHelp(true)
                                .description("Show this help.")
                                .build());
        command.getSubcommands().values().forEach(Main::addHelp);
    }

    private static List<String> linesOf(Exception exception) {
        return switch (exception) {
            case ServiceFault fault -> fault.problems();
            case ConfigFault fault -> List.of(fault.getMessage());
            case ControlFault fault -> List.of(fault.getMessage());
            case RuntimeException bug ->
                    List.of("this is a fault of uvol itself, please report it: " + bug);
            default ->
                    List.of(
                            exception.getMessage() == null
                                    ? exception.toString()
                                    : exception.getMessage());
        };
    }

    private static IParameterExceptionHandler wrongUsage() {
        return (ParameterException exception, String[] _) -> {
            CommandLine command = exception.getCommandLine();
            String name = command.getCommandSpec().name();
            command.getErr().println("uvol: " + exception.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(exception, command.getErr());
            command.getErr().println("see uvol help" + (name.equals("uvol") ? "" : " " + name));
            return WRONG_USAGE;
        };
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command is given");
    }
}
