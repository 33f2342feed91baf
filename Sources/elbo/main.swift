import ElboCommand

await ElboCommand.main()
