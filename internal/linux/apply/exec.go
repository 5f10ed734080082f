package apply

// Exec replaces this program by the one at path, which finds the signals,
// limits and standard descriptors that this one was started with. It returns
// only if that failed; the signals are then as the command would have had them.
func Exec(path string, argv, env []string) error {
	command, err := NewCommand(argv, env)
	if err != nil {
		return err
	}
	if err := restore(); err != nil {
		return err
	}
	return command.Exec(path)
}
