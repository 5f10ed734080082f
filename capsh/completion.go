package main

import (
	"path"
	"slices"
	"strings"

	"capsh/internal/ui/classic"
	"capsh/internal/ui/exit"
	"capsh/internal/ui/flags"
	"capsh/internal/ui/term"
)

// shells are those that there is a script for.
func shells() flags.Kind[string] { return flags.OneOf("bash", "zsh", "fish") }

// completionCommand is capsh completion.
type completionCommand struct{}

func (completionCommand) table() *flags.Table {
	return &flags.Table{
		Usage: "capsh completion " + shells().Word,
		About: `Writes a script that lets a shell complete command lines of capsh and capset:
source <(capsh completion bash), capsh completion fish | source.
make install puts the scripts where the shells find them.
`,
		Operand: shells().Complete,
	}
}

// run writes a script. The scripts ask for each word that is to be completed, each
// program for itself: capsh completion words LINE and capset --complete=LINE print
// what the last word of LINE, which ends at the cursor, can become. With described in
// place of words, or capset --verbose, there may be a tab and what it does behind a
// word, and [flags.Files] stands for files.
func (completionCommand) run(operands, _ []string, out *term.Output) error {
	if len(operands) == 2 && (operands[0] == "words" || operands[0] == "described") {
		words := flags.SplitLine(operands[1])
		list := complete(words)
		if operands[0] == "described" {
			list = described(words, list)
		} else {
			list = flags.WordsAlone(list)
		}
		out.Printf("%s", strings.Join(append(list, ""), "\n"))
		return nil
	}
	if len(operands) != 1 {
		return usageError("needs one of %s", strings.Join(shells().Complete(""), ", "))
	}
	shell, err := shells().Parse(operands[0])
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	out.Printf("%s", scripts[shell])
	return nil
}

// complete lists what the last word of a line can become; words[0] is capsh.
func complete(words []string) []string {
	if len(words) < 2 {
		return nil
	}
	before, last := words[1:len(words)-1], words[len(words)-1]
	switch {
	case path.Base(words[0]) != "capsh":
		return nil
	case len(before) > 0 && isWord(before[0]):
		if c := newCommand(before[0]); c != nil {
			return c.table().Complete(before[1:], last)
		}
		return nil
	}
	list := classic.Complete(last)
	if len(before) == 0 {
		list = append(flags.Starting(last, slices.Collect(commandNames())), list...)
	}
	return list
}

// described puts what it does behind each command and option that a line can become.
func described(words, list []string) []string {
	if len(words) > 2 {
		if c := newCommand(words[1]); c != nil {
			return c.table().Described(list)
		}
	}
	help := map[string]string{}
	for _, c := range commands {
		help[c.name] = c.help
	}
	return classic.Described(flags.DescribedBy(list, help))
}

const bashCompletion = `# bash completion for capsh and capset
_capsh() {
	local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]}
	[[ $cur == [=:] ]] && cur=
	local word=${line##*[[:space:]]}
	# bash splits words at = and : as well, and replaces the last part only.
	local done=${word%"$cur"}
	local -a ask=(capsh completion described)
	[[ ${COMP_WORDS[0]##*/} == capset ]] && ask=(capset --verbose --complete)
	mapfile -t COMPREPLY < <(command "${ask[@]}" "$line" 2>/dev/null)
	COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
	case ${COMPREPLY[0]-} in
	@files)
		COMPREPLY=()
		compopt -o default
		;;
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
complete -F _capsh capsh capset
`

const zshCompletion = `#compdef capsh capset
# zsh completion for capsh and capset
_capsh() {
	local -a list ask=(capsh completion described) open_words open_shown words_ shown
	[[ $words[1]:t == capset ]] && ask=(capset --verbose --complete)
	list=("${(@f)$(command $ask "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
	case $list[1] in
	'') ;;
	@files) compset -P '*[=:]'; _files ;;
	@commands) _command_names -e ;;
	*)
		local line
		for line in $list; do
			if [[ ${line%%$'\t'*} == *[=:] ]]; then
				open_words+=${line%%$'\t'*} open_shown+=${line/$'\t'/  -- }
			else
				words_+=${line%%$'\t'*} shown+=${line/$'\t'/  -- }
			fi
		done
		compadd -l -S '' -d open_shown -- $open_words
		compadd -l -d shown -- $words_
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
	set -l ask capsh completion described
	string match -qr '(^|/)capset$' -- (commandline -opc)[1]; and set ask capset --verbose --complete
	set -l list (command $ask (commandline -cp | string collect) 2>/dev/null)
	switch "$list[1]"
	case @files
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
