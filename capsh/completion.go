package main

import (
	"errors"
	"strings"

	"capsh/internal/ui/term"
)

const completionUsage = `usage: capsh completion bash|zsh|fish
Writes a script that lets a shell complete command lines of capsh and capset:
source <(capsh completion bash), capsh completion fish | source. For good, make
install puts the scripts where the shells look.
`

// shells are those that there is a script for.
var shells = [...]string{"bash", "zsh", "fish"}

// runCompletion is capsh completion. The scripts ask it for each word that is to
// be completed: capsh completion words LINE prints what the last word of LINE,
// which ends at the cursor, can become.
func runCompletion(args, _ []string, out *term.Output) (int, error) {
	if len(args) == 2 && args[0] == "words" {
		for _, word := range complete(splitLine(args[1])) {
			out.Printf("%s\n", word)
		}
		return exitYes, nil
	}
	operands, err := parseCommand(args, nil)
	switch {
	case err != nil:
		return exitUsage, err
	case len(operands) != 1:
		return exitUsage, errors.New("needs one of " + strings.Join(shells[:], ", "))
	}
	switch operands[0] {
	case "bash":
		out.Buf = append(out.Buf, bashCompletion...)
	case "zsh":
		out.Buf = append(out.Buf, zshCompletion...)
	case "fish":
		out.Buf = append(out.Buf, fishCompletion...)
	default:
		return exitUsage, oneOf(operands[0], shells[:]...)
	}
	return exitYes, nil
}

// splitLine splits a line at blanks; behind one at its end is an empty word.
func splitLine(line string) []string {
	words := strings.Fields(line)
	if strings.TrimRight(line, " \t") != line {
		words = append(words, "")
	}
	return words
}

const bashCompletion = `# bash completion for capsh and capset
_capsh() {
	local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]}
	[[ $cur == [=:] ]] && cur=
	local word=${line##*[[:space:]]}
	# bash splits words at = and : as well, and replaces the last part only.
	local done=${word%"$cur"}
	mapfile -t COMPREPLY < <(command capsh completion words "$line" 2>/dev/null)
	case ${COMPREPLY[0]-} in
	@commands)
		# A file may have any name, and bash puts it on the line as it is: it
		# has to be quoted. Left out is what needs $'', no quote inside of "".
		local name quoted
		COMPREPLY=()
		while IFS= read -r name; do
			printf -v quoted %q "$name"
			[[ $quoted == \$* ]] || COMPREPLY+=("$quoted")
		done < <(compgen -c -- "$cur")
		;;
	*) COMPREPLY=("${COMPREPLY[@]#"$done"}") ;;
	esac
	case ${#COMPREPLY[@]}${COMPREPLY[0]-} in
	1*[=:]) compopt -o nospace ;;
	esac
}
complete -o default -F _capsh capsh capset
`

const zshCompletion = `#compdef capsh capset
# zsh completion for capsh and capset
_capsh() {
	local -a list
	list=("${(@f)$(command capsh completion words "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
	case $list[1] in
	'') compset -P '*='; _files ;;
	@commands) _command_names -e ;;
	*)
		compadd -S '' -- ${(M)list:#*[=:]}
		compadd -- ${list:#*[=:]}
		;;
	esac
}
if [[ $funcstack[1] == _capsh ]]; then
	_capsh "$@"
else
	compdef _capsh capsh capset
fi
`

const fishCompletion = `# fish completion for capsh and capset
function __capsh_complete
	set -l list (command capsh completion words (commandline -cp | string collect) 2>/dev/null)
	switch "$list[1]"
	case ''
		set -l word (commandline -ct)
		set -l option (string match -r -- '^--[^=]*=' $word)
		for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' $word))
			printf '%s\n' "$option$path"
		end
	case @commands
		__fish_complete_command
	case '*'
		printf '%s\n' $list
	end
end
complete -c capsh -f -a '(__capsh_complete)'
complete -c capset -f -a '(__capsh_complete)'
`
