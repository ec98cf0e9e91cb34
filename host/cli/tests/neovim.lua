-- What an editor's user does, in Neovim's own client of the protocol. Ends with 'all of it holds', or with what does not.

local function fail(what)
  io.stderr:write('\nfails: ' .. what .. '\n')
  vim.cmd('cquit 1')
end

local function expect(holds, what)
  if not holds then fail(what) error(what) end
end

local function main()
  -- What docs/studio.md tells people to write.
  dofile(vim.env.SNIPPET)
  vim.cmd('edit tiny.nda')
  local buffer = vim.api.nvim_get_current_buf()
  expect(vim.wait(20000, function() return next(vim.lsp.get_active_clients({ bufnr = buffer })) ~= nil end), 'the server is attached')
  local client = vim.lsp.get_active_clients({ bufnr = buffer })[1].id
  expect(vim.wait(20000, function() return vim.lsp.buf_is_attached(buffer, client) and vim.lsp.get_client_by_id(client).initialized end), 'initialized')

  local function line_of(text)
    for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
      local column = line:find(text, 1, true)
      if column then return number, column end
    end
    fail('no line has ' .. text)
  end
  local function ask(method, text, more)
    local line, column = line_of(text)
    local params = { textDocument = vim.lsp.util.make_text_document_params(buffer), position = { line = line - 1, character = column - 1 } }
    local answers, why = vim.lsp.buf_request_sync(buffer, method, vim.tbl_extend('force', params, more or {}), 20000)
    expect(answers and not why, method .. ' is answered')
    local answer = answers[client]
    expect(answer and not answer.error, method .. ': ' .. vim.inspect(answer))
    return answer.result
  end
  local function faults() return vim.diagnostic.get(buffer) end

  expect(#faults() == 0, 'a whole program has no faults')

  local hover = ask('textDocument/hover', 'normed = rms_norm')
  expect(hover.contents.value:find('let normed: vec', 1, true), 'hover has the type: ' .. vim.inspect(hover))

  local found = ask('textDocument/definition', 'eps);')
  local declared = line_of('let eps')
  expect(found.range.start.line == declared - 1, 'go to definition')

  -- The costs come from 'nda plan', in the background.
  local lens
  expect(vim.wait(60000, function()
    local lenses = ask('textDocument/codeLens', 'fn forward')
    lens = lenses and lenses[1]
    return lens ~= nil
  end, 200), 'products have their costs')
  expect(lens.command.title:find('cycles') and lens.command.title:find('bytes') and lens.command.title:find('limit'), lens.command.title)
  hover = ask('textDocument/hover', 'normed = rms_norm')
  expect(hover.contents.value:find('values per token', 1, true), 'hover has the shape: ' .. vim.inspect(hover))
  io.stdout:write('\nbeside a product: ' .. lens.command.title .. '\n')

  -- A broken let: one fault, with its hint, and gone when it is mended.
  local number = line_of('let normed')
  local whole = vim.api.nvim_buf_get_lines(buffer, number - 1, number, false)[1]
  vim.api.nvim_buf_set_lines(buffer, number - 1, number, false, { (whole:gsub('let', 'lett')) })
  expect(vim.wait(20000, function() return #faults() == 1 end), 'one fault for one broken let: ' .. vim.inspect(faults()))
  expect(faults()[1].message:find('help: ', 1, true), 'the fault has a hint')
  vim.api.nvim_buf_set_lines(buffer, number - 1, number, false, { whole })
  expect(vim.wait(20000, function() return #faults() == 0 end), 'the fault is gone')

  -- Rename, by the editor's own means.
  local edit = ask('textDocument/rename', 'normed = rms_norm', { newName = 'flat' })
  vim.lsp.util.apply_workspace_edit(edit, 'utf-16')
  expect(line_of('let flat = rms_norm') == number, 'the declaration is renamed')
  expect(#vim.fn.filter(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), 'v:val =~ "normed"') == 0, 'no old name is left')
  expect(not vim.wait(500, function() return #faults() > 0 end), 'a rename makes no fault')

  -- Format.
  vim.api.nvim_buf_set_lines(buffer, number - 1, number, false, { (vim.api.nvim_buf_get_lines(buffer, number - 1, number, false)[1]:gsub(' = ', '=')) })
  local edits = ask('textDocument/formatting', 'let flat', { options = { tabSize = 4, insertSpaces = true } })
  vim.lsp.util.apply_text_edits(edits, buffer, 'utf-16')
  expect(line_of('let flat = rms_norm') == number, 'formatted')

  vim.lsp.stop_client(client)
  io.stdout:write('\nall of it holds\n')
  vim.cmd('qall!')
end

local holds, why = xpcall(main, debug.traceback)
if not holds then fail(tostring(why)) end
