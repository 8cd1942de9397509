-- PocketPilot's script for mGBA 0.10 and later: lets an agent on this machine see and play the game in this window.
--
-- Load it in mGBA: Tools > Scripting..., then File > Load script... It says in the console below what is going on.
--
-- The three settings can also be given as environment variables of the same name with POCKETPILOT_ in front.
-- An agent on another machine (or mGBA on Windows and the agent in WSL2) needs ADDRESS = "0.0.0.0" and a TOKEN that both
-- sides know; the agent is told it as emulator.mgba_token in its config.toml.

local ADDRESS = os.getenv("POCKETPILOT_ADDRESS") or "127.0.0.1"
local PORT = tonumber(os.getenv("POCKETPILOT_PORT") or "") or 27100
local TOKEN = os.getenv("POCKETPILOT_TOKEN") or ""

-- Protocol: each message is a little-endian u32 with the number of bytes that follow, one byte that says what it is,
-- and its fields. The agent's requests carry an id, and the one reply carries it back. Frames are numbered from when
-- this script was loaded. docs/mgba.md in PocketPilot's repository describes every message.
local VERSION = 1
local MAGIC = "PKPT"
local HELLO, WATCH, HOLD, READ, WRITE, SAVE, LOAD, RESET, GO = 1, 2, 3, 4, 5, 6, 7, 8, 9
local WELCOME, REPLY, FRAME, GAME, FAREWELL = 128, 129, 130, 131, 132

-- Ports that are tried, from PORT on.
local PORTS = 10
-- Memory is compared and sent in pieces of this many bytes.
local PAGE_BYTES = 4096
-- A longer message is not one of an agent's.
local MESSAGE_BYTES_MAX = 4 * 1024 * 1024
-- An agent that has not asked for a frame for this many frames has vanished, and another may take its place.
local VANISHED_FRAMES = 120
-- Connections that have not said who they are, and how many frames they have to do so.
local STRANGERS_MAX = 4
local STRANGER_FRAMES = 120
-- Frames that may be under way before new ones are left out.
local UNDER_WAY_MAX = 4
-- Frames between two looks at which game is loaded.
local GAME_FRAMES = 30
-- What a saved state holds: save memory, cheats, clock, notes; no picture.
local STATE_FLAGS = 30
-- Closed sockets stay referenced: mGBA 0.10 closes the descriptor once more when they are collected, and by then it may
-- belong to somebody else.
local GRAVEYARD_MAX = 4096

-- Whatever an earlier load of this script left behind ends now.
if PocketPilot and PocketPilot.stop then
  pcall(PocketPilot.stop, "the script was loaded again")
end
PocketPilot = { graveyard = PocketPilot and PocketPilot.graveyard or {} }

local self = {
  server = nil,
  callbacks = {},
  frame = 0,
  strangers = {},
  agent = nil,
  game = nil,
  complaint = nil,
}

local function say(text) console:log("PocketPilot: " .. text) end
local function warn(text) console:warn("PocketPilot: " .. text) end

local function bury(socket_)
  pcall(socket_.close, socket_)
  local graveyard = PocketPilot.graveyard
  graveyard[#graveyard + 1] = socket_
  if #graveyard > GRAVEYARD_MAX then table.remove(graveyard, 1) end
end

-- Connections ---------------------------------------------------------------------------------------------------------

local function new_peer(socket_)
  return { socket = socket_, received = "", outbox = {}, sent = 0, since = self.frame, is_gone = false }
end

-- Takes what has arrived. An end of the connection shows as data that is not there.
local function receive(peer)
  while not peer.is_gone do
    local is_ready, err = peer.socket:hasdata()
    if err then peer.is_gone = true end
    if not is_ready then return end
    local piece, why = peer.socket:receive(65536)
    if piece and #piece > 0 then
      peer.received = peer.received .. piece
      if #peer.received > MESSAGE_BYTES_MAX + 4 then peer.is_gone = true end
    elseif why ~= socket.ERRORS.AGAIN then
      peer.is_gone = true
    else
      return
    end
  end
end

-- Sends what fits; the rest goes with the next call. Sockets do not block here. Whether the agent is still there is looked
-- at before each piece: on Linux, sending twice to one that is gone ends mGBA itself.
local function flush(peer)
  while not peer.is_gone and #peer.outbox > 0 do
    receive(peer)
    if peer.is_gone then return end
    local message = peer.outbox[1]
    local last, err = peer.socket:send(message, peer.sent + 1)
    if not last then
      if err ~= socket.ERRORS.AGAIN then peer.is_gone = true end
      return
    end
    if last < #message then
      peer.sent = last
      return
    end
    table.remove(peer.outbox, 1)
    peer.sent = 0
  end
end

local function send(peer, kind, payload)
  peer.outbox[#peer.outbox + 1] = string.pack("<I4B", #payload + 1, kind) .. payload
  flush(peer)
end

local function dismiss(peer, why)
  if why and not peer.is_gone then send(peer, FAREWELL, why) end
  bury(peer.socket)
  peer.is_gone = true
end

-- The next whole message: its kind and its fields.
local function next_message(peer)
  if #peer.received < 5 then return nil end
  local length = string.unpack("<I4", peer.received)
  if length < 1 or length > MESSAGE_BYTES_MAX then
    peer.is_gone = true
    return nil
  end
  if #peer.received < 4 + length then return nil end
  local kind = peer.received:byte(5)
  local payload = peer.received:sub(6, 4 + length)
  peer.received = peer.received:sub(5 + length)
  return kind, payload
end

-- The game -------------------------------------------------------------------------------------------------------------

local function describe_game()
  local areas = {}
  for name, area in pairs(emu.memory) do
    areas[#areas + 1] = string.pack("<s1I4I4", name, area:base(), area:size())
  end
  table.sort(areas)
  return string.pack("<s1s1BI4s1B", emu:getGameTitle(), emu:getGameCode(), emu:platform(), emu:romSize(),
    emu:checksum(C.CHECKSUM.CRC32), #areas) .. table.concat(areas)
end

local function look_at_game()
  local game = describe_game()
  if game == self.game then return end
  local is_other = self.game ~= nil
  self.game = game
  if is_other then say("another game is loaded: " .. emu:getGameTitle()) end
  if self.agent then
    self.agent.pages = {}
    send(self.agent, GAME, game)
  end
end

-- Where pictures go on their way to the agent: its own private folder when that is on this machine, else a temporary
-- file of this machine. The frame's number is in the name, and a file is read once and removed.
local function take_picture(agent)
  local path = agent.prefix .. self.frame .. ".png"
  os.remove(path)
  emu:screenshot(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local png = file:read("a")
  file:close()
  os.remove(path)
  return png or ""
end

-- All pages of the watched memory that changed since they were last sent.
local function changed_pages(agent)
  local changed, count = {}, 0
  for index, region in ipairs(agent.regions) do
    local pages = agent.pages[index]
    if not pages then
      pages = {}
      agent.pages[index] = pages
    end
    local page = 0
    for offset = 0, region.length - 1, PAGE_BYTES do
      local bytes = emu:readRange(region.address + offset, math.min(PAGE_BYTES, region.length - offset))
      if bytes ~= pages[page] then
        pages[page] = bytes
        count = count + 1
        changed[count] = string.pack("<BI2s4", index - 1, page, bytes)
      end
      page = page + 1
    end
  end
  return count, table.concat(changed)
end

-- Sends this frame, unless the agent has not taken the ones before it. Returns whether it was sent.
local function push(agent)
  if #agent.outbox > 0 or agent.pushed - agent.released >= UNDER_WAY_MAX or not agent.regions then return false end
  local count, pages = changed_pages(agent)
  local png = agent.wants_picture and take_picture(agent) or ""
  send(agent, FRAME, string.pack("<I4I4I2", self.frame, emu:currentFrame(), count) .. pages .. png)
  agent.pushed = agent.pushed + 1
  return true
end

-- Requests ---------------------------------------------------------------------------------------------------------------

local function reply(agent, id, bytes) send(agent, REPLY, string.pack("<I4B", id, 0) .. bytes) end
local function refuse(agent, id, why) send(agent, REPLY, string.pack("<I4B", id, 1) .. why) end

local handlers = {}

handlers[WATCH] = function(agent, id, payload, at)
  local wants_picture, stall_ms, count
  wants_picture, stall_ms, count, at = string.unpack("<BBB", payload, at)
  local regions = {}
  for index = 1, count do
    local address, length
    address, length, at = string.unpack("<I4I4", payload, at)
    regions[index] = { address = address, length = length }
  end
  agent.wants_picture, agent.stall_ms = wants_picture ~= 0, stall_ms
  agent.regions, agent.pages = regions, {}
  reply(agent, id, "")
end

-- One mask a frame, from the next frame on, in place of what is left of earlier ones.
handlers[HOLD] = function(agent, id, payload, at)
  local masks = {}
  for position = at, #payload, 2 do masks[#masks + 1] = string.unpack("<I2", payload, position) end
  agent.masks, agent.next_mask = masks, 1
  reply(agent, id, string.pack("<I4", self.frame + 1))
end

handlers[READ] = function(agent, id, payload, at)
  local address, length = string.unpack("<I4I4", payload, at)
  reply(agent, id, emu:readRange(address, length))
end

handlers[WRITE] = function(agent, id, payload, at)
  local address
  address, at = string.unpack("<I4", payload, at)
  for position = at, #payload do emu:write8(address + position - at, payload:byte(position)) end
  reply(agent, id, "")
end

handlers[SAVE] = function(agent, id)
  local state = emu:saveStateBuffer(STATE_FLAGS)
  if state then reply(agent, id, state) else refuse(agent, id, "mGBA did not save its state") end
end

handlers[LOAD] = function(agent, id, payload, at)
  if emu:loadStateBuffer(payload:sub(at), STATE_FLAGS) then
    agent.masks = nil
    reply(agent, id, "")
  else
    refuse(agent, id, "mGBA does not accept this state")
  end
end

handlers[RESET] = function(agent, id)
  agent.masks = nil
  emu:reset()
  reply(agent, id, "")
end

-- Carries out what has arrived; returns whether the agent let the game go on.
local function serve(agent)
  local may_go_on = false
  while not agent.is_gone do
    local kind, payload = next_message(agent)
    if not kind then break end
    if kind == GO then
      agent.released = agent.pushed
      agent.seen = self.frame
      may_go_on = true
    else
      local handler = handlers[kind]
      local id, at = string.unpack("<I4", payload)
      if handler then
        agent.seen = self.frame
        local is_done, why = pcall(handler, agent, id, payload, at)
        if not is_done then refuse(agent, id, tostring(why)) end
      else
        refuse(agent, id, "this script does not know request " .. kind)
      end
    end
  end
  return may_go_on
end

-- Gives an agent that has taken every frame so far a moment to answer this one, so that its keys are held from the very
-- next frame on. mGBA makes up for the wait, which is shorter than a frame.
local function await_answer(agent)
  local left_ms = agent.stall_ms
  while left_ms > 0 and not agent.is_gone do
    local is_ready = agent.socket._s:select(1)
    if is_ready and is_ready > 0 then
      receive(agent)
      if serve(agent) then return end
    else
      left_ms = left_ms - 1
    end
  end
end

local function leave_keys_alone(agent)
  if agent.is_holding then
    emu:setKeys(0)
    agent.is_holding = false
  end
end

-- The keys of the next frame.
local function press(agent)
  local mask = agent.masks and agent.masks[agent.next_mask]
  if mask then
    emu:setKeys(mask)
    agent.next_mask = agent.next_mask + 1
    agent.is_holding = true
  else
    agent.masks = nil
    leave_keys_alone(agent)
  end
end

-- Coming and going ------------------------------------------------------------------------------------------------------

local function let_go(why)
  local agent = self.agent
  self.agent = nil
  dismiss(agent)
  leave_keys_alone(agent)
  say("the agent has left (" .. why .. "); waiting for the next")
end

-- What the names of pictures begin with.
local function picture_prefix(folder, nonce)
  local file = #folder > 0 and io.open(folder .. "/hello", "rb")
  local found = file and file:read("a")
  if file then file:close() end
  if found == nonce then return folder .. "/" end
  -- The agent is on another machine. A temporary name of this one is nobody else's.
  local is_there, name = pcall(os.tmpname)
  if not is_there then return "pocketpilot-" end
  os.remove(name)
  return name .. "-"
end

local function greet(stranger)
  local kind, payload = next_message(stranger)
  if not kind then return false end
  local is_hello, id, magic, version, token, folder, nonce = pcall(string.unpack, "<I4c4I2s1s2s1", payload)
  if kind ~= HELLO or not is_hello or magic ~= MAGIC then
    dismiss(stranger, "this is PocketPilot's script in mGBA, and that was no greeting it knows")
  elseif version ~= VERSION then
    dismiss(stranger, "this script speaks version " .. VERSION .. " and the agent " .. version
      .. ": load the script that came with the agent")
  elseif token ~= TOKEN then
    dismiss(stranger, "the token is wrong: set emulator.mgba_token to the TOKEN in mGBA's script")
    warn("an agent with a wrong token was turned away")
  elseif self.agent and self.frame - self.agent.seen < VANISHED_FRAMES then
    dismiss(stranger, "another agent plays in this window")
  else
    if self.agent then let_go("it vanished") end
    stranger.prefix = picture_prefix(folder, nonce)
    stranger.pushed, stranger.released, stranger.seen = 0, 0, self.frame
    stranger.stall_ms, stranger.pages = 0, {}
    self.agent = stranger
    self.game = describe_game()
    send(stranger, WELCOME, string.pack("<I4I2I4", id, VERSION, self.frame) .. self.game)
    say("an agent is connected and plays; your own keys still work")
  end
  return true
end

local function admit()
  local is_ready = self.server:hasdata()
  if is_ready then
    local socket_ = self.server:accept()
    if socket_ then
      if #self.strangers >= STRANGERS_MAX then dismiss(table.remove(self.strangers, 1)) end
      self.strangers[#self.strangers + 1] = new_peer(socket_)
    end
  end
  for index = #self.strangers, 1, -1 do
    local stranger = self.strangers[index]
    receive(stranger)
    local is_settled = not stranger.is_gone and greet(stranger)
    local is_late = self.frame - stranger.since > STRANGER_FRAMES
    if is_settled or stranger.is_gone or is_late then
      table.remove(self.strangers, index)
      if not is_settled then dismiss(stranger) end
    end
  end
end

local function on_frame()
  self.frame = self.frame + 1
  admit()
  local agent = self.agent
  if not agent then return end
  flush(agent)
  receive(agent)
  serve(agent)
  if self.frame % GAME_FRAMES == 0 then look_at_game() end
  local keeps_up = agent.pushed == agent.released
  if not agent.is_gone and push(agent) and keeps_up then await_answer(agent) end
  if agent.is_gone then
    let_go("the connection ended")
  else
    press(agent)
  end
end

-- An error here must not be said sixty times a second.
local function guarded(what)
  return function()
    local is_done, why = pcall(what)
    if not is_done and why ~= self.complaint then
      self.complaint = why
      console:error("PocketPilot: " .. tostring(why))
      if self.agent then pcall(let_go, "an error in the script") end
    end
  end
end

local function listen()
  local is_local = ADDRESS == "127.0.0.1" or ADDRESS == "localhost" or ADDRESS == "::1"
  if not is_local and TOKEN == "" then
    console:error("PocketPilot: listening on " .. ADDRESS .. " lets others in, so a TOKEN must be set in this script first")
    return
  end
  local last
  for port = PORT, PORT + PORTS - 1 do
    local server, err = socket.bind(ADDRESS, port)
    if server then
      local is_listening
      is_listening, err = server:listen(16)
      if is_listening then
        self.server = server
        say("listening on " .. ADDRESS .. ":" .. port .. "; now start the agent (agent run)")
        return
      end
      bury(server)
    end
    last = err
  end
  console:error("PocketPilot: no port from " .. PORT .. " to " .. PORT + PORTS - 1 .. " can be had: " .. tostring(last))
end

PocketPilot.stop = function(why)
  for _, callback in ipairs(self.callbacks) do callbacks:remove(callback) end
  if self.agent then
    leave_keys_alone(self.agent)
    dismiss(self.agent, why)
  end
  for _, stranger in ipairs(self.strangers) do dismiss(stranger) end
  if self.server then bury(self.server) end
  say("stopped: " .. why)
end

listen()
if self.server then
  self.callbacks[1] = callbacks:add("frame", guarded(on_frame))
  self.callbacks[2] = callbacks:add("start", guarded(look_at_game))
end
